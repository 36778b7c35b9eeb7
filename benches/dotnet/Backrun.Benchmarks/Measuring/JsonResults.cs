using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;

namespace Backrun.Benchmarks.Measuring;

/// <summary>
/// The results for programs: every round, and the machine they are of. Compare results of one machine only.
/// </summary>
internal static class JsonResults
{
    private static readonly JsonSerializerOptions Names = new() { PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    public static void Write(Stream stream, Machine machine, BenchmarkOptions options, IEnumerable<ResultTable> tables)
    {
        using var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WritePropertyName("machine");
        JsonSerializer.Serialize(json, machine, Names);
        json.WriteStartObject("options");
        json.WriteNumber("rounds", options.Rounds);
        json.WriteNumber("workers", options.Workers);
        json.WriteBoolean("quick", options.Quick);
        json.WriteEndObject();
        json.WriteStartArray("scenarios");
        foreach (ResultTable table in tables)
        {
            Write(json, table);
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, ResultTable table)
    {
        json.WriteStartObject();
        json.WriteString("name", table.Name);
        json.WriteString("title", table.Title);
        if (table.Limit is double limit)
        {
            json.WriteNumber("limit", limit);
        }
        json.WriteStartArray("contenders");
        foreach (string contender in table.Contenders)
        {
            json.WriteStartObject();
            json.WriteString("name", contender);
            for (int column = 0; column < table.Columns.Length; column++)
            {
                json.WriteStartObject(table.Columns[column]);
                json.WriteNumber("median", table.Median(contender, column));
                WriteFinite(json, "ratio", table.Ratio(contender, column));
                json.WritePropertyName("rounds");
                JsonSerializer.Serialize(json, table.Values(contender, column).ToArray());
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteFinite(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
