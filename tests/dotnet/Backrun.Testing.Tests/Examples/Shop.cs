using System.Collections.Generic;
using System.IO;

namespace Shop.Tests;

// What docs/testing.md does not show of its shop.
public sealed class Order
{
    public string Customer { get; set; } = string.Empty;

    public decimal Total { get; set; }
}

public sealed class MailServer
{
    public int Failures { get; set; }

    public IList<string> Sent { get; } = [];

    public void Send(string to)
    {
        if (Failures-- > 0)
        {
            throw new IOException("the server is busy");
        }

        Sent.Add(to);
    }
}

public sealed class Bank
{
    public decimal PaidBack { get; private set; }

    public void PayBack(decimal money) => PaidBack += money < 1_000_000 ? money : throw new IOException("the bank does not answer");
}
