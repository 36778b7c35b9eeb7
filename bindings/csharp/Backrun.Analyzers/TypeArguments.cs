using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Operations;

namespace Backrun.Analyzers;

/// <summary>Where a call of a method that starts or registers tasks names the class and its parameters.</summary>
internal static class TypeArguments
{
    /// <summary>The place of one of the two; the whole call where they are not written.</summary>
    internal static Location Place(IInvocationOperation call, int index)
    {
        GenericNameSyntax? name = call.Syntax.DescendantNodes().OfType<GenericNameSyntax>().FirstOrDefault(each => each.Identifier.ValueText == call.TargetMethod.Name);
        return (name?.TypeArgumentList is { Arguments.Count: 2 } arguments ? arguments.Arguments[index] : call.Syntax).GetLocation();
    }
}
