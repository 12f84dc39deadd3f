using System.Security.Cryptography;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// What the file holds, whichever way it came there: in place, by a rename over it, or because a directory on the way is a symbolic link
/// that now points elsewhere (mounted ConfigMaps). Times and lengths would not do: an edit within the file system's clock tick that keeps the
/// length would pass unseen for good, and the file is small.
/// </summary>
internal readonly record struct FileFingerprint(string Hash)
{
    /// <returns><see langword="default"/> while the file cannot be read.</returns>
    public static FileFingerprint Take(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return new FileFingerprint(Convert.ToHexString(SHA256.HashData(file)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return default; // the loader says what is the matter when it tries to read the file
        }
    }
}
