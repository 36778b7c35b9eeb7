using System;
using System.Runtime.CompilerServices;
using MessagePack;
using MessagePack.Formatters;

namespace Backrun.Internals;

/// <summary>The application's resolver before that of a format, each asked once for a type.</summary>
/// <param name="first">The application's.</param>
/// <param name="format">The format's, which is asked alone where it is about a user connection.</param>
internal sealed class OwnResolver(IFormatterResolver first, IFormatterResolver format) : IFormatterResolver
{
    // It keeps no type from being unloaded with its load context.
    private readonly ConditionalWeakTable<Type, object> _found = [];

    public IMessagePackFormatter<T>? GetFormatter<T>()
    {
        if (_found.TryGetValue(typeof(T), out object? found))
        {
            return (IMessagePackFormatter<T>)found;
        }

        IMessagePackFormatter<T>? made = (typeof(UserConnection).IsAssignableFrom(typeof(T)) ? null : first.GetFormatter<T>()) ?? format.GetFormatter<T>();
        if (made is not null)
        {
            _found.AddOrUpdate(typeof(T), made);
        }

        return made;
    }
}
