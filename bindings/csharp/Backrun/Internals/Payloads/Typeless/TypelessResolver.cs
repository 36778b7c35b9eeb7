using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.Serialization;
using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace Backrun.Internals;

/// <summary>
/// MessagePack-CSharp's resolver of values with type names and of private members, as a type that the guard can stand before. Where a value is to be named, it is so by <see cref="NamingFormatter{T}"/>.
/// </summary>
internal sealed class TypelessResolver : IFormatterResolver
{
    public IMessagePackFormatter<T>? GetFormatter<T>() => Cache<T>.Formatter;

    private static class Cache<T>
    {
        internal static readonly IMessagePackFormatter<T>? Formatter = Find();

        [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "See Formatters: the application's own call names the types.")]
        [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "PayloadFormat.Typeless is not for NativeAOT, as its documentation says.")]
        private static IMessagePackFormatter<T>? Find()
        {
            if (typeof(T) == typeof(object))
            {
                return (IMessagePackFormatter<T>)(object)new NamingFormatter<T>();
            }

            // The resolver reads private members of what has no attributes, but of what has some only what is public. A data contract says itself what is in it.
            if ((Has<DataContractAttribute>() && !Has<MessagePackObjectAttribute>()) || (!typeof(T).IsVisible && Has<MessagePackObjectAttribute>()))
            {
                return DynamicObjectResolverAllowPrivate.Instance.GetFormatter<T>();
            }

            IMessagePackFormatter<T>? found = TypelessContractlessStandardResolver.Instance.GetFormatter<T>();
            return found is ForceTypelessFormatter<T> ? (IMessagePackFormatter<T>)(object)new NamingFormatter<T>() : found;
        }

        private static bool Has<TAttribute>()
            where TAttribute : Attribute => typeof(T).IsDefined(typeof(TAttribute), inherit: false);
    }
}
