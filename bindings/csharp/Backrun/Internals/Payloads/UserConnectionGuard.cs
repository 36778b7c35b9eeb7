using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>
/// Stands in front of a resolver and refuses a <see cref="UserConnection"/> anywhere inside parameters: it belongs to a run and never travels.
/// </summary>
internal sealed class UserConnectionGuard<TResolver> : IFormatterResolver
    where TResolver : IFormatterResolver, new()
{
    internal static readonly UserConnectionGuard<TResolver> Instance = new();
    private static readonly TResolver Inner = new();

    public IMessagePackFormatter<T>? GetFormatter<T>() => Cache<T>.Formatter;

    private static class Cache<T>
    {
        internal static readonly IMessagePackFormatter<T>? Formatter =
            typeof(UserConnection).IsAssignableFrom(typeof(T)) ? (IMessagePackFormatter<T>)(object)new Refuse<T>() : Inner.GetFormatter<T>();
    }

    private sealed class Refuse<T> : IMessagePackFormatter<T?>
    {
        public void Serialize(ref MessagePackWriter writer, T? value, MessagePackSerializerOptions options)
        {
            if (value is not null)
            {
                throw new MessagePackSerializationException(
                    $"A user connection ({value.GetType()}) stands inside the parameters, and connections never travel. Leave it null; start the task by a method whose name ends in " +
                    $"WithUserConnection and implement {nameof(IUserConnectionRequired)}: each run then gets a connection of the same user.");
            }

            writer.WriteNil();
        }

        public T? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            if (!reader.TryReadNil())
            {
                throw new MessagePackSerializationException($"The payload has a value where the parameters have a user connection ({typeof(T)}), and connections never travel.");
            }

            return default;
        }
    }
}
