using Backrun;

var builder = WebApplication.CreateBuilder(args);
builder.Services.AddBackrun(o => o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, "tasks.db")))
    .AddTask<ImportContacts, ImportArgs>(new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 5, Delay = TimeSpan.FromSeconds(1) } });
builder.Services.AddHealthChecks().AddBackrun();

var app = builder.Build();
app.MapPost("/imports", async (ImportArgs import, IBackgroundTasks tasks) =>
{
    BackgroundTaskHandle task = await tasks.SubmitAsync<ImportContacts, ImportArgs>(import); // on disk from here on
    return Results.Accepted($"/tasks/{task.Id.Value}");
});
app.MapGet("/tasks/{id:long}", (long id, IBackgroundTasks tasks) =>
    tasks.GetStatus(new BackgroundTaskId(id)) is { } status
        ? Results.Ok(new { State = status.State.ToString(), status.Attempt, Error = status.Error?.Message })
        : Results.NotFound());
app.MapHealthChecks("/health");
app.Run();

public sealed class ImportArgs // travels as MessagePack
{
    public string File { get; set; } = "";
}

[BackgroundTask("import-contacts")] // the name in the store: the class may be renamed, this not
public sealed class ImportContacts(ILogger<ImportContacts> logger) : IBackgroundTask<ImportArgs>
{
    public void Run(ImportArgs parameters)
    {
        if (BackgroundTaskContext.Current!.Attempt < 3)
        {
            throw new IOException($"{parameters.File} cannot be read yet");
        }

        logger.LogInformation("{File} is imported", parameters.File);
    }
}
