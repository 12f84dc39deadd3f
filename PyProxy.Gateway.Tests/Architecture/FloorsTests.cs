using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Architecture;

/// <summary>
/// A feature folder imports only folders that stand below it. Strictly below: so folders of one floor stay strangers, and a circle cannot
/// arise. The compiled assembly is asked, not the using lines: a fully qualified name is an arrow too.
/// </summary>
public sealed class FloorsTests
{
    private const string Root = "PyProxy.Gateway";
    private const string ProgramRoom = "Program";

    private static readonly Dictionary<string, int> Floors = new(StringComparer.Ordinal)
    {
        [ProgramRoom] = 7,
        ["Commands"] = 6,
        ["Admin"] = 6,
        ["Explain"] = 5,
        ["Configuration"] = 5,
        ["Telemetry"] = 5,
        ["Forward"] = 4,
        ["Reverse"] = 4,
        ["Listeners"] = 3,
        ["Users"] = 3,
        ["Filtering"] = 3,
        ["Limits"] = 3,
        ["Privacy"] = 3,
        ["Http"] = 2,
        ["Egress"] = 2,
        ["Resilience"] = 1,
        ["State"] = 1,
        ["Traffic"] = 0,
        ["Sections"] = 0,
    };

    private static readonly ArchUnitNET.Domain.Architecture Gateway = new ArchLoader().LoadAssemblies(typeof(HostPort).Assembly).Build();

    [Fact]
    public void EveryFolder_HasAFloor()
    {
        var strangers = Gateway.Types.Select(RoomOf).OfType<string>().Distinct().Where(room => !Floors.ContainsKey(room));

        Assert.Empty(strangers);
    }

    [Fact]
    public void EveryImport_RunsStrictlyDownwards()
    {
        var wrong = Arrows().Where(arrow => Floors[arrow.To] >= Floors[arrow.From]).Select(arrow => arrow.ToString()).Distinct().Order().ToList();

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong)); // Assert.Empty would shorten the names
    }

    /// <summary>Without it the test above could hold because the loader stopped seeing arrows.</summary>
    [Fact]
    public void KnownImports_AreSeen()
    {
        var seen = Arrows().Select(arrow => (arrow.From, arrow.To)).ToHashSet();

        Assert.Contains(("Egress", "Traffic"), seen);
        Assert.Contains(("Reverse", "Egress"), seen);
        Assert.Contains(("Users", "Http"), seen);
    }

    private static IEnumerable<Arrow> Arrows() =>
        from type in Gateway.Types
        let room = RoomOf(type)
        where room is not null
        from dependency in type.Dependencies
        let target = RoomOf(dependency.Target)
        where target is not null && target != room
        select new Arrow(room, target, type.FullName, dependency.Target.FullName);

    /// <summary>The feature folder of a type of ours; null for everybody else's, and for what source generators put into namespaces of their own.</summary>
    private static string? RoomOf(IType type)
    {
        var name = type.FullName;
        if (!name.StartsWith(Root + ".", StringComparison.Ordinal))
        {
            return name == ProgramRoom || name.StartsWith(ProgramRoom + "+", StringComparison.Ordinal) ? ProgramRoom : null;
        }

        var room = name.AsSpan(Root.Length + 1);
        var end = room.IndexOfAny(".+/`<");
        return end < 0 ? room.ToString() : room[..end].ToString();
    }

    private sealed record Arrow(string From, string To, string Type, string Target)
    {
        public override string ToString() => $"{From} ({Floors[From]}) must not import {To} ({Floors[To]}): {Type} -> {Target}";
    }
}
