using System.Net;
using System.Net.Http.Json;
using Backrun;
using Backrun.Testing;
using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;

namespace Shop.Tests;

public class ImportTests
{
    [Fact]
    public async Task An_import_is_tried_until_its_file_can_be_read()
    {
        await using var shop = new WebApplicationFactory<Program>().WithWebHostBuilder(host =>
            host.ConfigureTestServices(services => services.AddBackrunTestEngine(TestMode.Manual)));
        var answer = await shop.CreateClient().PostAsJsonAsync("/imports", new ImportArgs { File = "contacts.csv" });
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);

        var tasks = shop.Services.GetRequiredService<TestEngine>();
        var import = tasks.AssertStarted<ImportContacts, ImportArgs>(args => args.File == "contacts.csv");
        tasks.Drain(); // the first attempt
        Assert.Equal("contacts.csv cannot be read yet", import.GetStatus()!.Error!.Message);
        for (int attempt = 2; attempt <= 3; attempt++)
        {
            tasks.Advance(TimeSpan.FromSeconds(5)); // the test's time: nobody waits for it
            tasks.Drain();
        }

        Assert.Equal(BackgroundTaskState.Succeeded, import.GetStatus()!.State);
    }
}
