using System.Globalization;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>The time that this machine's processors have spent so far, from Linux's /proc/stat (proc(5)).</summary>
internal sealed record MachineCpu(long Busy, long All)
{
    private const string Path = "/proc/stat";

    /// <summary><see langword="null"/> where there is no such file.</summary>
    public static MachineCpu? Read()
    {
        if (!File.Exists(Path))
        {
            return null;
        }

        // cpu  user nice system idle iowait irq softirq steal …
        var fields = File.ReadLines(Path).First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9];
        var times = Array.ConvertAll(fields, static field => long.Parse(field, CultureInfo.InvariantCulture));
        var all = times.Sum();
        return new MachineCpu(all - times[3] - times[4], all);
    }

    public double? ShareSince(MachineCpu? earlier) => earlier is null || All == earlier.All ? null : (double)(Busy - earlier.Busy) / (All - earlier.All);
}
