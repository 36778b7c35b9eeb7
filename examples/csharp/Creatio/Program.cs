using System;
using System.Collections.Generic;
using Backrun;
using Backrun.Creatio;
using Terrasoft.Configuration;
using Task = Terrasoft.Core.Tasks.Task;

// At the start of the program, and only where the defaults will not do.
CreatioTasks.UserConnectionFactory = identity => new AppConnection(identity);
BackrunEngine.Default = new BackrunEngine(new BackrunOptions { Workers = 4 });

// Once a request, what the platform does by itself: somebody's connection is the current one.
var ada = new UserIdentity(Guid.NewGuid(), "Ada", "de-AT", "Europe/Vienna", new Dictionary<string, string>());
using (var connection = new AppConnection(ada))
using (UserConnection.Use(connection))
{
    Task.StartNewWithUserConnection<UsrActivityCreator, UsrActivityData>(new UsrActivityData("Call back")
    {
        Values = new Dictionary<string, object> { ["Type"] = Guid.Empty, ["Minutes"] = 30L },
    });
}

// At the end of the program: what was started is run.
await BackrunEngine.Default.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromSeconds(10));

// What belongs to a user in this application. Each run gets one of its own.
internal sealed class AppConnection(UserIdentity identity) : Terrasoft.Core.UserConnection(identity);
