using System;
using System.Collections.Generic;
using Backrun;

var identity = new UserIdentity(Guid.NewGuid(), "Supervisor", "en-US", "UTC", new Dictionary<string, string>());
using var user = new UserConnection(identity); // in an application, a class of its own derived from it

await using var engine = new BackrunEngine(new BackrunOptions
{
    Workers = 4,
    Queues = { ["activities"] = new QueueOptions { ConcurrencyLimit = 2 } },
});

using (UserConnection.Use(user)) // an application does this once a request
{
    BackgroundTaskHandle task = engine.StartNewWithUserConnection<CreateActivity, ActivityParameters>(
        new ActivityParameters { Title = "Call back", TypeId = Guid.NewGuid() },
        new StartOptions { Queue = "activities", Priority = BackgroundTaskPriority.AboveNormal });
    await task.Completion; // throws what the task threw
}

await engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromSeconds(10));

public sealed class ActivityParameters // travels as MessagePack
{
    public string Title { get; set; } = "";

    public Guid TypeId { get; set; }
}

public sealed class CreateActivity : IBackgroundTask<ActivityParameters>, IUserConnectionRequired
{
    private UserConnection? _user;

    // Right before Run, on its thread, with a connection that was opened for this run.
    public void SetUserConnection(UserConnection userConnection) => _user = userConnection;

    public void Run(ActivityParameters parameters) =>
        Console.WriteLine($"{_user!.Identity.Name} creates the activity '{parameters.Title}'");
}
