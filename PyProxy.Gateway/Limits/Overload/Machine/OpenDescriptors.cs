using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PyProxy.Gateway.Limits.Overload.Machine;

/// <summary>This process's open file descriptors. Linux.</summary>
internal static partial class OpenDescriptors
{
    private const string Directory = "/proc/self/fd";

    // statx(2): the layout is the same on every architecture.
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint SizeMask = 0x200;       // STATX_SIZE
    private const int StatLength = 256;
    private const int SizeOffset = 40;

    /// <summary>What the kernel says; 0 before Linux 6.2, which does not.</summary>
    public static unsafe int Ask()
    {
        var stat = stackalloc byte[StatLength];
        return StatX(CurrentDirectory, Directory, 0, SizeMask, stat) == 0
            ? (int)BinaryPrimitives.ReadUInt64LittleEndian(new ReadOnlySpan<byte>(stat + SizeOffset, sizeof(ulong)))
            : 0;
    }

    /// <summary>Counts them, which costs a microsecond and some garbage for each.</summary>
    public static int Count()
    {
        var count = 0;
        foreach (var _ in System.IO.Directory.EnumerateFileSystemEntries(Directory))
        {
            count++;
        }

        return count - 1; // the one by which they were enumerated
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatX(int directory, string path, int flags, uint mask, byte* stat);
}
