using System;
using System.Linq;
using System.Threading.Tasks;

namespace Backrun.Analyzers.Tests.Truth;

/// <summary>A value that a task is started with, and its type as code names it.</summary>
public abstract class Sample(Type type, Verdict verdict)
{
    public string Name { get; } = NameOf(type);

    /// <summary>What the analyzer is to say.</summary>
    public Verdict Verdict { get; } = verdict;

    /// <summary>Starts a task with the value, and has it run.</summary>
    /// <returns>Null where the run got the parameters; else why not.</returns>
    public abstract Task<string?> Travel(BackrunEngine engine);

    internal static Sample Of<T>(Verdict verdict, Func<T> value) => new SampleOf<T>(verdict, value);

    private static string NameOf(Type type)
    {
        if (type.IsArray)
        {
            return $"{NameOf(type.GetElementType()!)}[{new string(',', type.GetArrayRank() - 1)}]";
        }

        string name = (type.IsNested ? $"{NameOf(type.DeclaringType!)}." : $"global::{type.Namespace}.") + type.Name.Split('`')[0];
        return type.IsGenericType ? $"{name}<{string.Join(", ", type.GetGenericArguments().Select(NameOf))}>" : name;
    }

    private sealed class SampleOf<T>(Verdict verdict, Func<T> value) : Sample(typeof(T), verdict)
    {
        public override async Task<string?> Travel(BackrunEngine engine)
        {
            try
            {
                await engine.StartNew<Probe<T>, T>(value()).Completion.WaitAsync(TimeSpan.FromSeconds(60));
                return null;
            }
            catch (TaskSerializationException exception)
            {
                return exception.Message;
            }
            catch (BackgroundTaskFailedException exception)
            {
                return exception.Message;
            }
        }
    }
}

/// <summary>What the analyzer says of a type.</summary>
public enum Verdict
{
    /// <summary>Nothing, and it travels.</summary>
    Travels,

    /// <summary>A warning, and it does not travel.</summary>
    Refused,

    /// <summary>
    /// Nothing, although it may not travel: that depends on its value, or on the version. MessagePack 3 takes a public class inside of an internal one if it has made code for private members before.
    /// </summary>
    Unsure,
}

/// <summary>Does nothing with its parameters but to get them.</summary>
public sealed class Probe<T> : IBackgroundTask<T>
{
    public void Run(T parameters) => GC.KeepAlive(parameters);
}
