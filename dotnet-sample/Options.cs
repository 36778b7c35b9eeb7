using System.Diagnostics.CodeAnalysis;

namespace Backrun.Sample;

/// <summary>What the user asked for.</summary>
internal sealed class Options
{
    public const string Usage = """
        Indexes every file of a folder: a background task a file.

        dotnet run --project dotnet-sample -- [FOLDER] [--json OUT] [--seed] [--loop]
                                                [--store FILE | --memory]

          FOLDER        what to index; by default this repository without target, bin, obj, artifacts and .git
          --json OUT    write one JSON object a line to the file OUT: path, bytes, lines, words, sha256, attempt, user
          --seed        run the documentation's example, a user who creates an activity
                        (and index a folder only if FOLDER, --json or --loop is given)
          --store FILE  keep the tasks in the file FILE, made if it is not there; by default it is
                        artifacts/sample/<hash of FOLDER>.db of this repository
          --memory      keep the tasks in memory: they end with the program
          --loop        add tasks that loop for ever, one for each worker: the files are done all the same, and the
                        tasks that are stuck stand in the table when the program ends
          --help        this text
          --            what follows is FOLDER, even if it starts with '-'

        Links are listed, not followed. A file that cannot be read, that changes meanwhile, that is not a regular one,
        or whose name cannot be decoded is a failure, with its name and reason in the table.

        Where the program is killed or stopped, run it again on the same FOLDER: it finishes what is left, and has the
        results of what was done. Once a run has come to its end the next one begins afresh.

        Exit code 0: every file is done. 1: some failed, the rest is done. 2: it could not run.
        130: stopped by Ctrl+C (143: by a SIGTERM).
        """;

    /// <summary>The folder to index, or null: none.</summary>
    public Folder? Folder { get; private set; }

    public string? Json { get; private set; }

    /// <summary>The file that keeps the tasks, or null: memory does.</summary>
    public string? Store { get; private set; }

    public bool Seed { get; private set; }

    public bool Loop { get; private set; }

    public bool Help { get; private set; }

    public static bool TryParse(string[] arguments, out Options options, [NotNullWhen(false)] out string? complaint)
    {
        options = new Options();
        try
        {
            options.Read(arguments);
            complaint = null;
            return true;
        }
        catch (CouldNotRunException e)
        {
            complaint = e.Message;
            return false;
        }
    }

    private void Read(string[] arguments)
    {
        string? folder = null;
        bool onlyFolder = false;
        bool memory = false;
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (onlyFolder || !argument.StartsWith('-'))
            {
                folder = folder is null
                    ? argument
                    : throw Wrong($"There is one FOLDER, not two: {folder} and {argument}.");
                continue;
            }
            switch (argument)
            {
                case "--json" when i + 1 < arguments.Length && arguments[i + 1].Length > 0:
                    Json = Json is null ? arguments[++i] : throw Wrong("--json is there twice.");
                    break;
                case "--json":
                    throw Wrong("--json needs the name of a file to write to.");
                case "--seed":
                    Seed = true;
                    break;
                case "--memory":
                    memory = true;
                    break;
                case "--store" when i + 1 < arguments.Length && arguments[i + 1].Length > 0:
                    Store = Store is null ? arguments[++i] : throw Wrong("--store is there twice.");
                    break;
                case "--store":
                    throw Wrong("--store needs the name of a file to keep the tasks in.");
                case "--loop":
                    Loop = true;
                    break;
                case "--help" or "-h":
                    Help = true;
                    return;
                case "--":
                    onlyFolder = true;
                    break;
                default:
                    throw Wrong($"There is no option {argument}.");
            }
        }
        if (!Seed || Loop || folder is not null || Json is not null)
        {
            Folder = folder is null ? Folder.Repository() : Folder.Named(folder);
            if (memory && Store is not null)
            {
                throw Wrong("--memory and --store exclude each other.");
            }
            Store = memory ? null : TaskFile.For(Folder, Store);
        }
    }

    private static CouldNotRunException Wrong(string complaint) => new(complaint + " See --help.");
}
