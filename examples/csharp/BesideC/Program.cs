using System;
using System.Runtime.InteropServices;
using Backrun;

await using var engine = new BackrunEngine();
engine.Register<ParcelPacked, PackedParcel>("parcel-packed");

using SafeHandle forC = engine.GetNativeHandle(); // until the C library has done with the engine
Parcels.Start(forC);

var parcel = new Parcel { Order = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff"), To = "Ada", Items = ["a book", "a lamp"] };
await engine.StartByName("pack-parcel", parcel).Completion; // C runs it; fails with what C said of it
await engine.ShutdownAsync(ShutdownMode.Drain, TimeSpan.FromSeconds(10));

public sealed class Parcel // C reads it
{
    public Guid Order { get; set; }

    public string To { get; set; } = "";

    public string[] Items { get; set; } = [];

    public DateOnly? Due { get; set; } = new DateOnly(2027, 1, 4);

    public int Priority { get; set; }
}

public sealed class PackedParcel // C writes it
{
    public Guid Order { get; set; }

    public decimal Weight { get; set; }

    public DateTime PackedAt { get; set; }

    public string[] Marks { get; set; } = [];

    public string? Note { get; set; } = "none";
}

public sealed class ParcelPacked : IBackgroundTask<PackedParcel> // C starts it
{
    public void Run(PackedParcel parameters) => Console.WriteLine(FormattableString.Invariant(
        $"C# hears of order {parameters.Order}: {parameters.Weight} kg, {string.Join(" and ", parameters.Marks)}, packed {parameters.PackedAt:u}, note '{parameters.Note}'"));
}

internal static class Parcels // the library
{
    public static void Start(SafeHandle engine)
    {
        int code = parcels_start(engine);
        if (code != 0)
        {
            throw new InvalidOperationException($"parcels_start gives {code} (backrun.h tells what it is)");
        }
    }

    [DllImport("parcels")]
    private static extern int parcels_start(SafeHandle engine);
}
