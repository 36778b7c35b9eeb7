using System;
using System.IO;
using Backrun;

string file = Path.Combine(Directory.CreateTempSubdirectory().FullName, "tasks.db");

BackgroundTaskId id;
await using (var engine = new BackrunEngine(new BackrunOptions { Store = BackrunStore.Sqlite(file) }))
{
    // On disk when it is awaited: a kill or a power cut from here on loses nothing.
    BackgroundTaskHandle mail = await engine.SubmitAsync<SendMail, string>(
        "ada@example.com", new StartOptions { Delay = TimeSpan.FromSeconds(1) });
    id = mail.Id;
} // the process ends, in order or not, and the mail has not been sent

// The next one has the file now.
await using (var engine = new BackrunEngine(new BackrunOptions { Store = BackrunStore.Sqlite(file) }))
{
    engine.Register<SendMail, string>(); // who runs what an earlier process left
    await engine.GetHandle(id).Completion;
    await engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromSeconds(10));
}

[BackgroundTask("send-mail")] // what the file has: classes may be renamed, this name not
public sealed class SendMail : IBackgroundTask<string>
{
    public void Run(string parameters) => Console.WriteLine($"mail to {parameters}");
}
