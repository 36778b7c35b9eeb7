using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using Spectre.Console;

namespace Backrun.Sample;

/// <summary>What became of the files. Counted from several threads while the work runs, printed at the end.</summary>
internal sealed class Report(Folder folder, bool isKept)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private readonly List<(string Path, string What)> _failures = [];
    private readonly List<(string Path, string What)> _links = [];
    private readonly List<(string Path, string What)> _stuck = [];
    private long _submitted;
    private long _done;
    private long _failedTasks;
    private long _bytes;
    private bool _isAllFound;
    private bool _isInterrupted;

    public long Submitted => Volatile.Read(ref _submitted);

    public long Ended => Volatile.Read(ref _done) + Volatile.Read(ref _failedTasks);

    public bool IsAllFound => Volatile.Read(ref _isAllFound);

    public int Failures
    {
        get
        {
            lock (_lock)
            {
                return _failures.Count;
            }
        }
    }

    public void HandedOver() => Interlocked.Increment(ref _submitted);

    /// <summary>One that was handed over is counted elsewhere.</summary>
    public void TakenBack() => Interlocked.Decrement(ref _submitted);

    public void AllFound() => Volatile.Write(ref _isAllFound, true);

    public void Interrupted() => Volatile.Write(ref _isInterrupted, true);

    public void Done(long bytes)
    {
        Interlocked.Increment(ref _done);
        Interlocked.Add(ref _bytes, bytes);
    }

    public void Failed(string path, string reason)
    {
        Interlocked.Increment(ref _failedTasks);
        Add(_failures, path, reason);
    }

    /// <summary>A task that was left running.</summary>
    public void Stuck(string task, string what)
    {
        lock (_lock)
        {
            _stuck.Add((task, what));
        }
    }

    /// <summary>Something that is no task: a link, or what cannot be one.</summary>
    public void Add(Found found)
    {
        if (found.Kind == FoundKind.Link)
        {
            Add(_links, found.Path, $"link to {found.Note}");
        }
        else
        {
            Add(_failures, found.Path, found.Note);
        }
    }

    public string Line() => $"{Number(Ended)} of {Number(Submitted)}{(IsAllFound ? "" : "+")} files";

    public void Print(IAnsiConsole console)
    {
        TimeSpan time = _clock.Elapsed;
        TableBorder border = console.Profile.Capabilities.Unicode ? TableBorder.Square : TableBorder.Ascii;
        console.WriteLine(Printable.Of(folder.Path + Without()));
        lock (_lock)
        {
            // The short table last: on a terminal it is the one that stays in sight.
            if (_failures.Count + _links.Count + _stuck.Count > 0)
            {
                console.Write(Details().Border(border));
            }
            console.Write(Summary(time).Border(border));
        }
        if (_isInterrupted)
        {
            string more = IsAllFound ? "" : ", and the folder was not listed to its end";
            string next = isKept ? " Run it again to go on." : "";
            console.WriteLine($"Interrupted. Files left: {Number(Submitted - Ended)}{more}.{next}");
        }
    }

    private void Add(List<(string Path, string What)> list, string path, string what)
    {
        lock (_lock)
        {
            list.Add((folder.Relative(path), what));
        }
    }

    private Table Summary(TimeSpan time)
    {
        Table table = new Table().HideHeaders().AddColumn("").AddColumn(new TableColumn("").RightAligned());
        void Row(string name, string value) => table.AddRow(new Text(name), new Text(value));
        Row("Files done", Number(_done));
        Row("Bytes", Number(_bytes));
        Row("Failures", Number(_failures.Count));
        Row("Links, not followed", Number(_links.Count));
        if (_stuck.Count > 0)
        {
            Row("Tasks stuck", Number(_stuck.Count));
        }
        Row("Seconds", time.TotalSeconds.ToString("N2", CultureInfo.InvariantCulture));
        Row("Tasks/s", Number((long)(Ended / time.TotalSeconds)));
        return table;
    }

    private Table Details()
    {
        Table table = new Table().AddColumn("").AddColumn(_stuck.Count == 0 ? "File" : "File or task").AddColumn("What");
        void Rows(string kind, Style style, List<(string Path, string What)> list)
        {
            foreach ((string path, string what) in list.OrderBy(entry => entry.Path, StringComparer.Ordinal))
            {
                table.AddRow(new Text(kind, style), new Text(Printable.Of(path)), new Text(Printable.Of(what)));
            }
        }
        Rows("failed", new Style(Color.Red), _failures);
        Rows("link", new Style(Color.Blue), _links);
        Rows("stuck", new Style(Color.Yellow), _stuck);
        return table;
    }

    private string Without() =>
        folder.LeftOut.Count == 0
            ? ""
            : $" (without {string.Join(", ", folder.LeftOut.Order(StringComparer.Ordinal))})";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
