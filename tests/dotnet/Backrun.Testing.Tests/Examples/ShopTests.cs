using System;
using System.IO;
using System.Threading.Tasks;
using Backrun;
using Backrun.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Shop.Tests;

public sealed class ShopTests
{
    [Fact]
    public void An_order_is_confirmed_by_mail()
    {
        using TestEngine tasks = new(TestMode.Manual); // starts tasks and runs none
        new Orders(tasks).Place(new Order { Customer = "ada@example.com", Total = 12.5m });

        StartedTask<Order> mail = tasks.AssertStarted<SendConfirmation, Order>(order => order.Customer == "ada@example.com");
        Assert.Equal(12.5m, mail.Parameters.Total); // as the run will read it from the bytes
        Assert.Equal(TimeSpan.FromMinutes(5), mail.Options.Delay);
        tasks.AssertNotStarted<CancelOrder, Order>();
    }

    [Fact]
    public void The_mail_goes_out_after_five_minutes_and_is_tried_again()
    {
        MailServer server = new() { Failures = 1 };
        FakeTimeProvider clock = new();
        using ServiceProvider services = new ServiceCollection().AddSingleton(server).BuildServiceProvider();
        using TestEngine tasks = new(TestMode.Manual, new TestEngineOptions { Clock = clock }, new BackrunOptions { Services = services });
        tasks.Engine.Register<SendConfirmation, Order>(options: new TaskOptions { Retry = new RetryPolicy { MaxAttempts = 3, Delay = TimeSpan.FromSeconds(30), JitterPercent = 0 } });
        new Orders(tasks).Place(new Order { Customer = "ada@example.com" });

        Assert.Equal(0, tasks.Drain()); // nothing is ready yet
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, tasks.Drain()); // the first attempt, which fails
        Assert.Empty(server.Sent);
        clock.Advance(TimeSpan.FromSeconds(30));
        tasks.Drain();
        Assert.Equal("ada@example.com", Assert.Single(server.Sent));
    }

    [Fact]
    public async Task A_cancelled_order_gives_the_money_back()
    {
        Bank bank = new();
        await using ServiceProvider services = new ServiceCollection().AddSingleton(bank).BuildServiceProvider();
        await using TestEngine tasks = new(TestMode.Inline, engineOptions: new BackrunOptions { Services = services });

        await new Orders(tasks).CancelAsync(new Order { Customer = "ada@example.com", Total = 12.5m });
        Assert.Equal(12.5m, bank.PaidBack); // the task has run when CancelAsync has returned

        IOException thrown = await Assert.ThrowsAsync<IOException>(() => new Orders(tasks).CancelAsync(new Order { Customer = "bob@example.com", Total = 1_000_000 }));
        Assert.Equal("the bank does not answer", thrown.Message); // what the task threw
    }
}

public sealed class Orders(IBackgroundTasks tasks)
{
    public void Place(Order order) => tasks.StartNew<SendConfirmation, Order>(order, new StartOptions { Delay = TimeSpan.FromMinutes(5) });

    public async Task CancelAsync(Order order) => await tasks.SubmitAsync<CancelOrder, Order>(order);
}

public sealed class SendConfirmation(MailServer server) : IBackgroundTask<Order>
{
    public void Run(Order parameters) => server.Send(parameters.Customer);
}

public sealed class CancelOrder(Bank bank) : IBackgroundTask<Order>
{
    public void Run(Order parameters) => bank.PayBack(parameters.Total);
}
