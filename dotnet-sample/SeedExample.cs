using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading.Tasks;
using Spectre.Console;

namespace Backrun.Sample;

/// <summary>The example of Creatio's documentation: a user creates an activity in the background.</summary>
internal static class SeedExample
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<bool> RunAsync(IAnsiConsole console)
    {
        var identity = new UserIdentity(Guid.NewGuid(), "Supervisor", "en-US", "UTC", new Dictionary<string, string>());
        using var userConnection = new UserConnection(identity);
        // In an application the request or the session does this. What is started inside runs on behalf of this user.
        using (UserConnection.Use(userConnection))
        {
            BackgroundTasks.StartNewWithUserConnection<CreateActivity, ActivityParameters>(new ActivityParameters
            {
                Title = "Activity created by background task",
                TypeId = new Guid("fbe0acdc-cfc0-df11-b00f-001d60e938c6"),
            });
        }
        // To start a task is to hand it over. This process is about to end, so it waits for what it has handed over.
        await BackrunEngine.Default.ShutdownAsync(ShutdownMode.Drain, Patience);
        foreach (Activity activity in CreateActivity.Created)
        {
            string line = $"{activity.CreatedBy} created the activity \"{activity.Title}\" of type {activity.TypeId}.";
            console.WriteLine(Printable.Of(line));
        }
        return CreateActivity.Created.Count == 1;
    }
}

/// <summary>What the task needs to know: simple types only, and never the user connection itself.</summary>
public sealed class ActivityParameters
{
    /// <summary>The new activity's title.</summary>
    public string Title { get; set; } = "";

    /// <summary>The new activity's type.</summary>
    public Guid TypeId { get; set; }
}

/// <summary>The background task.</summary>
public sealed class CreateActivity : IBackgroundTask<ActivityParameters>, IUserConnectionRequired
{
    private UserConnection? _userConnection;

    // In place of the application's database.
    internal static ConcurrentQueue<Activity> Created { get; } = new();

    /// <summary>Called before <see cref="Run"/>, with a connection of the user who started the task.</summary>
    public void SetUserConnection(UserConnection userConnection) => _userConnection = userConnection;

    /// <inheritdoc/>
    public void Run(ActivityParameters parameters) =>
        Created.Enqueue(new Activity(parameters.Title, parameters.TypeId, _userConnection!.Identity.Name));
}

internal sealed record Activity(string Title, Guid TypeId, string CreatedBy);
