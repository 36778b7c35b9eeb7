using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>
/// Parameters as a whole. Their type is named in the payload only where the task's class does not say it already: where they are of a class derived from the declared one, or it is an
/// interface. So a derived instance arrives as what it was, and the usual one costs no name.
/// </summary>
/// <typeparam name="T">As it is declared.</typeparam>
internal sealed class TypelessRoot<T> : IMessagePackFormatter<T?>
{
    private static readonly NamingFormatter<object> Naming = new();
    private IMessagePackFormatter<T?>? _declared;

    public void Serialize(ref MessagePackWriter writer, T? value, MessagePackSerializerOptions options)
    {
        if (typeof(T).IsValueType)
        {
            Declared(options).Serialize(ref writer, value, options);
        }
        else if (value is null)
        {
            writer.WriteNil();
        }
        else if (value.GetType() == typeof(T) || IsSequence(value, options))
        {
            Declared(options).Serialize(ref writer, value, options);
        }
        else
        {
            Naming.Serialize(ref writer, value, options);
        }
    }

    public T? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        if (!NamingFormatter.IsNext(in reader))
        {
            return Declared(options).Deserialize(ref reader, options);
        }

        return Naming.Deserialize(ref reader, options) switch
        {
            T value => value,
            var other => throw new MessagePackSerializationException($"The payload holds {TypeNames.Of(other!.GetType())} where {TypeNames.Of(typeof(T))} is due."),
        };
    }

    /// <summary>
    /// Whether a value is one of the base class library's own classes for a sequence on its way (of a query, say), which nobody could make again: it is written by the collection interface that it is
    /// declared as, and read as a collection.
    /// </summary>
    private bool IsSequence(T value, MessagePackSerializerOptions options) =>
        typeof(T).IsInterface
        && options is TypelessOptions own
        && !own.Types.IsKnown(value!.GetType())
        && FrameworkTypes.IsFrameworkAssembly(value!.GetType().Assembly)
        && !own.Types.IsAllowed(value.GetType())
        && Declared(options) is not NamingFormatter<T>;

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "See Formatters: the application's own call names the types.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "PayloadFormat.Typeless is not for NativeAOT, as its documentation says.")]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IMessagePackFormatter<T?> Declared(MessagePackSerializerOptions options) => _declared ??= options.Resolver.GetFormatterWithVerify<T?>();
}
