using System.Runtime.InteropServices;

namespace PyProxy.Gateway.Forward.Splicing;

/// <summary>The system calls of Linux that have no counterpart in the base library. Numbers are those of x86-64 and arm64 alike.</summary>
internal static partial class Libc
{
    public const int NonBlocking = 0x800;        // O_NONBLOCK
    public const int CloseOnExec = 0x80000;      // O_CLOEXEC
    public const int SetPipeSize = 1031;         // F_SETPIPE_SZ
    public const int GetPipeSize = 1032;         // F_GETPIPE_SZ
    public const uint Move = 1 | 2;              // SPLICE_F_MOVE | SPLICE_F_NONBLOCK

    public const int Interrupted = 4;            // EINTR
    public const int WouldBlock = 11;            // EAGAIN
    public const int InvalidArgument = 22;       // EINVAL: this kernel cannot splice these
    public const int NoSuchCall = 38;            // ENOSYS: nor any other

    [LibraryImport("libc", EntryPoint = "pipe2", SetLastError = true)]
    public static unsafe partial int Pipe(int* ends, int flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Control(SafeHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "splice", SetLastError = true)]
    public static partial nint Splice(SafeHandle from, nint fromOffset, SafeHandle to, nint toOffset, nint length, uint flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static unsafe partial nint Read(SafeHandle from, byte* buffer, nint length);
}
