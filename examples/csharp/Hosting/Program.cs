using System;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Backrun;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings
{
    ContentRootPath = Directory.CreateTempSubdirectory().FullName, // so that trying this leaves nothing behind; an application has one
});
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.Services.AddBackrun(o => o.Store = BackrunStore.Sqlite(Path.Combine(builder.Environment.ContentRootPath, "tasks.db")))
    .AddTask<SendMail, string>(new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 5 } }); // who runs what an earlier process left
builder.Services.AddHealthChecks().AddBackrun();
builder.Services.AddScoped<MailServer>();
builder.Services.AddHostedService<Shop>();
await builder.Build().RunAsync();

public sealed class Shop(IBackgroundTasks tasks, IHostApplicationLifetime application) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        BackgroundTaskHandle mail = await tasks.SubmitAsync<SendMail, string>("ada@example.com", cancellationToken: stoppingToken);
        await mail.Completion; // only here, so that the program has an end
        application.StopApplication();
    }
}

[BackgroundTask("send-mail")]
public sealed class SendMail(MailServer server) : IBackgroundTask<string> // made for each run, in a scope of its own
{
    public void Run(string parameters) => server.Send(parameters);
}

public sealed class MailServer : IDisposable
{
    private readonly string _name = "smtp.example.com";

    public void Send(string to) => Console.WriteLine($"mail to {to} by {_name}");

    public void Dispose() => Console.WriteLine("connection closed");
}
