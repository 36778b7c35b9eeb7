using System;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.DependencyInjection;

namespace Backrun.Internals;

/// <summary>How instances of a task's class are made: by its parameterless constructor, or with constructor parameters from services.</summary>
internal static class TaskFactory
{
    /// <param name="services">Null where the engine has none.</param>
    /// <param name="needsServices">Whether the result is to be given services.</param>
    /// <exception cref="ArgumentException">No public constructor is fit.</exception>
    internal static Func<IServiceProvider?, object> For<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask>(
        IServiceProvider? services, out bool needsServices)
        where TTask : class
    {
        Type type = typeof(TTask);
        ConstructorInfo[] constructors = type.IsAbstract ? [] : type.GetConstructors();
        if (constructors.Length == 0)
        {
            throw new ArgumentException($"{TypeNames.Of(type)} has no public constructor that could be called; a background task is a class that is not abstract, with one.");
        }

        bool parameterless = Array.Exists(constructors, static constructor => constructor.GetParameters().Length == 0);
        if (services is null && !parameterless)
        {
            throw new ArgumentException(
                $"{TypeNames.Of(type)} has no public constructor without parameters, and the engine has no services to take them from. Give it one, or set BackrunOptions.Services.");
        }

        needsServices = services is not null && !(parameterless && constructors.Length == 1);
        if (!needsServices)
        {
            return new Activation(type).Make;
        }

        if (constructors.Length == 1)
        {
            ObjectFactory<TTask> factory = ActivatorUtilities.CreateFactory<TTask>(Type.EmptyTypes);
            return provider => factory(provider!, null);
        }

        // Which of several constructors can be served is the services' word, and theirs alone.
        return static provider => ActivatorUtilities.CreateInstance<TTask>(provider!);
    }

    /// <summary>By the parameterless constructor. By the type: the generic form takes more than twice as long, shared among classes as it is.</summary>
    private sealed class Activation([DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] Type type)
    {
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)]
        private readonly Type _type = type;

        internal object Make(IServiceProvider? services)
        {
            try
            {
                return Activator.CreateInstance(_type)!;
            }
            catch (TargetInvocationException exception) when (exception.InnerException is not null)
            {
                // What the constructor threw, as it threw it.
                ExceptionDispatchInfo.Throw(exception.InnerException);
                throw;
            }
        }
    }
}
