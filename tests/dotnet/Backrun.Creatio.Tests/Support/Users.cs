using System;
using System.Collections.Generic;
using Backrun;

namespace CreatioTests;

internal static class Users
{
    internal static UserIdentity Ada { get; } = new(
        Guid.Parse("6f1a1c54-52d2-4c0e-9f47-0d0c2bb9a1de"), "Ada", "de-AT", "Europe/Vienna", new Dictionary<string, string> { ["contact"] = "410006e1" });
}
