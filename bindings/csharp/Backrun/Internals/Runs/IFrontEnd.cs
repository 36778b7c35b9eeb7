using System;
using System.Diagnostics.CodeAnalysis;

namespace Backrun.Internals;

/// <summary>
/// A set of interfaces by which classes say that they run tasks. The engine knows none of them: a front end looks at a class once and gives the engine a
/// <see cref="TaskInvoker{TParameters}"/>. A type argument, so that what is kept a front end is kept in static fields.
/// </summary>
internal interface IFrontEnd
{
    /// <exception cref="ArgumentException">The class does not run tasks with these parameters, or instances cannot be made of it.</exception>
    static abstract TaskInvoker<TParameters> For<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TTask, TParameters>(IServiceProvider? services)
        where TTask : class;
}
