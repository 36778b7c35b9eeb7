using System.Globalization;
using System.Text;

namespace Backrun.Vectors.Text;

/// <summary>Writes JSON in ASCII alone: texts may hold lone surrogates, which the writers of .NET refuse.</summary>
internal sealed class Json
{
    private readonly StringBuilder _text = new();

    /// <summary>Whether the next thing needs a comma before it.</summary>
    private bool _follows;

    public override string ToString() => _text.ToString();

    public Json Open(char bracket)
    {
        Comma();
        _text.Append(bracket);
        _follows = false;
        return this;
    }

    public Json Close(char bracket)
    {
        _text.Append(bracket);
        _follows = true;
        return this;
    }

    public Json Name(string name)
    {
        Comma();
        Quote(name);
        _text.Append(':');
        _follows = false;
        return this;
    }

    public Json Text(string text)
    {
        Comma();
        Quote(text);
        _follows = true;
        return this;
    }

    /// <summary>A number, a truth value, null, or JSON that is there already.</summary>
    public Json Raw(string raw)
    {
        Comma();
        _text.Append(raw);
        _follows = true;
        return this;
    }

    public Json Number(long number) => Raw(number.ToString(CultureInfo.InvariantCulture));

    public Json Truth(bool truth) => Raw(truth ? "true" : "false");

    /// <summary>An object of one text: <c>{"name":"text"}</c>.</summary>
    public Json Tag(string name, string text) => Open('{').Name(name).Text(text).Close('}');

    private void Comma()
    {
        if (_follows)
            _text.Append(',');
    }

    private void Quote(string text)
    {
        _text.Append('"');
        foreach (var unit in text)
        {
            switch (unit)
            {
                case '"' or '\\':
                    _text.Append('\\').Append(unit);
                    break;
                case '\n':
                    _text.Append("\\n");
                    break;
                case '\r':
                    _text.Append("\\r");
                    break;
                case '\t':
                    _text.Append("\\t");
                    break;
                case >= ' ' and <= '~':
                    _text.Append(unit);
                    break;
                default:
                    _text.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
                    break;
            }
        }
        _text.Append('"');
    }
}
