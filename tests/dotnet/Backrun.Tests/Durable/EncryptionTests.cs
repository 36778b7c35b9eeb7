using System;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Durable;

/// <summary>Encryption at rest, as C# programs see it.</summary>
public sealed class EncryptionTests
{
    private const string Secret = "a word that nobody may find in the file";

    private static readonly EncryptionKey First = new("2026-01", RandomNumberGenerator.GetBytes(EncryptionKey.SecretLength));
    private static readonly EncryptionKey Second = new("2026-02", RandomNumberGenerator.GetBytes(EncryptionKey.SecretLength));

    [Fact]
    public async Task What_a_task_carries_lies_encrypted_and_runs_with_its_key_and_not_without()
    {
        using StoreFile file = new();
        BackgroundTaskId id;
        using (BackrunEngine engine = new(Options(file, First)))
        {
            engine.PauseQueue("default");
            id = engine.StartNew<Echo, string>(Secret).Id;
        }

        Assert.DoesNotContain(Secret, Content(file), StringComparison.Ordinal);
        BackrunException missing = Assert.Throws<BackrunException>(() => file.Open());
        Assert.Equal(BackrunErrorCode.Store, missing.Code);
        Assert.Contains("'2026-01', which was not given", missing.Message, StringComparison.Ordinal);

        // The next key comes before the one that it follows.
        using (BackrunEngine engine = new(Options(file, Second, First)))
        {
            engine.Register<Echo, string>();
            engine.ResumeQueue("default");
            await engine.GetHandle(id).Done();
            Assert.Equal(Secret, engine.GetStatus(id)!.GetResult<string>());
        }

        using (BackrunEngine engine = new(Options(file, Second)))
        {
            Assert.Equal(Secret, engine.GetStatus(id)!.GetResult<string>());
        }

        Assert.DoesNotContain(Secret, Content(file), StringComparison.Ordinal);
    }

    [Fact]
    public void Where_encryption_is_required_a_file_that_has_something_else_is_refused()
    {
        using StoreFile file = new();
        using (BackrunEngine engine = file.Open())
        {
            engine.PauseQueue("default");
            engine.StartNew<Echo, string>(Secret);
        }

        Assert.Contains(Secret, Content(file), StringComparison.Ordinal);
        BackrunOptions options = Options(file, First);
        options.Encryption!.Required = true;
        Assert.Contains("1 tasks and results are not encrypted", Assert.Throws<BackrunException>(() => new BackrunEngine(options)).Message, StringComparison.Ordinal);
        options.Encryption.Required = false;
        new BackrunEngine(options).Dispose();
    }

    [Fact]
    public void Keys_that_are_none_are_refused_and_no_message_has_their_bytes()
    {
        using StoreFile file = new();
        Assert.Equal("secret", Assert.Throws<ArgumentException>(() => new EncryptionKey("k", new byte[31])).ParamName);
        Assert.Throws<ArgumentException>(() => new EncryptionKey("", new byte[32]));
        Assert.Equal("EncryptionKey(2026-01)", First.ToString());
        BackrunOptions options = Options(file);
        Assert.Contains("BackrunOptions.Encryption.Keys is empty", Assert.Throws<ArgumentException>(() => new BackrunEngine(options)).Message, StringComparison.Ordinal);
        options.Encryption!.Keys.Add(new EncryptionKey("no space", First.Secret));
        Assert.Contains("'no space'", Assert.Throws<BackrunException>(() => new BackrunEngine(options)).Message, StringComparison.Ordinal);
        options.Encryption.Keys[0] = null!;
        Assert.Throws<ArgumentException>(() => new BackrunEngine(options));
        options.Encryption.Keys[0] = First;
        options.Store = BackrunStore.Memory;
        options.OwnerWait = null;
        Assert.Contains("BackrunOptions.Encryption", Assert.Throws<NotSupportedException>(() => new BackrunEngine(options)).Message, StringComparison.Ordinal);
    }

    private static BackrunOptions Options(StoreFile file, params EncryptionKey[] keys)
    {
        BackrunOptions options = file.Options();
        options.Encryption = new EncryptionOptions();
        foreach (EncryptionKey key in keys)
        {
            options.Encryption.Keys.Add(key);
        }

        return options;
    }

    private static string Content(StoreFile file)
    {
        string[] files = Directory.GetFiles(Path.GetDirectoryName(file.Path)!);
        return string.Concat(files.Select(each => Encoding.Latin1.GetString(File.ReadAllBytes(each))));
    }

    public sealed class Echo : IBackgroundTask<string>
    {
        public void Run(string parameters) => BackgroundTaskContext.Current!.SetResult(parameters);
    }
}
