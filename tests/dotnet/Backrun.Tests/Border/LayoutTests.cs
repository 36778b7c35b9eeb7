using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Backrun.Tests.Support;
using Xunit;

namespace Backrun.Tests.Border;

public sealed class LayoutTests
{
    [Fact]
    public void Every_struct_lies_in_memory_as_C_sees_it()
    {
        Assert.Equal(Header.OfRepository.Structs.Keys.Order(StringComparer.Ordinal), Declarations.Structs.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(AsSeenByC(), AsSeenByCSharp());
    }

    [Fact]
    public void Every_field_has_the_type_that_the_header_gives_it()
    {
        foreach ((string name, IReadOnlyList<(string Name, string Type)> fields) in Header.OfRepository.Structs)
        {
            Assert.Equal(
                fields.Select(field => $"{name}.{field.Name}: {field.Type}"),
                Declarations.FieldsOf(Declarations.Structs[name]).Select(field => $"{name}.{field.Name}: {Declarations.TypeOf(field)}"));
        }
    }

    private static string AsSeenByC()
    {
        StringBuilder program = new("#include <stddef.h>\n#include <stdio.h>\n#include \"backrun.h\"\nint main(void) {\n");
        foreach ((string name, IReadOnlyList<(string Name, string Type)> fields) in Header.OfRepository.Structs)
        {
            program.Append(System.Globalization.CultureInfo.InvariantCulture, $"printf(\"{name} %zu\\n\", sizeof({name}));\n");
            foreach ((string field, _) in fields)
            {
                program.Append(System.Globalization.CultureInfo.InvariantCulture, $"printf(\"{name}.{field} %zu\\n\", offsetof({name}, {field}));\n");
            }
        }

        program.Append("return 0; }\n");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("backrun-layout-");
        try
        {
            string source = Path.Combine(folder.FullName, "layout.c");
            string binary = Path.Combine(folder.FullName, "layout");
            File.WriteAllText(source, program.ToString());
            Command.Run("gcc", "-std=c99", "-Wall", "-Werror", "-I", Repository.PathOf("include"), source, "-o", binary);
            return Command.Run(binary);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string AsSeenByCSharp()
    {
        StringBuilder lines = new();
        foreach (string name in Header.OfRepository.Structs.Keys)
        {
            Type type = Declarations.Structs[name];
            lines.Append(System.Globalization.CultureInfo.InvariantCulture, $"{name} {SizeOf(type)}\n");
            foreach (FieldInfo field in Declarations.FieldsOf(type))
            {
                lines.Append(System.Globalization.CultureInfo.InvariantCulture, $"{name}.{field.Name} {Marshal.OffsetOf(type, field.Name)}\n");
            }
        }

        return lines.ToString();
    }

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
