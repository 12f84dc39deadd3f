using System.Buffers;

namespace PyProxy.Gateway.Http.Tries;

/// <summary>
/// A request's body that keeps what was read of it, up to a limit, and can be read again from the beginning until the limit is passed. What was
/// not read by a try that failed early is still the client's to send: so the first byte of a body that is too large is not yet too late.
/// </summary>
internal sealed class RepeatableBody(Stream inner, int limit) : Stream
{
    private byte[] _kept = [];
    private int _length;
    private int _position;

    /// <summary>Whether more was read than is kept: it cannot be sent a second time.</summary>
    public bool IsLost { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public void Rewind() => _position = 0;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position >= _length)
        {
            return ReadInnerAsync(buffer, cancellationToken);
        }

        var count = Math.Min(buffer.Length, _length - _position);
        _kept.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        return new ValueTask<int>(count);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Drop(); // the stream below is the server's
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadInnerAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken);
        if (count > 0 && !IsLost)
        {
            Keep(buffer.Span[..count]);
        }

        return count;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > limit - _length)
        {
            IsLost = true;
            Drop();
            return;
        }

        if (bytes.Length > _kept.Length - _length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_length + bytes.Length, 2 * _kept.Length));
            _kept.AsSpan(0, _length).CopyTo(larger);
            ReturnKept();
            _kept = larger;
        }

        bytes.CopyTo(_kept.AsSpan(_length));
        _length += bytes.Length;
        _position = _length;
    }

    private void Drop()
    {
        _length = 0;
        _position = 0;
        ReturnKept();
        _kept = [];
    }

    private void ReturnKept()
    {
        if (_kept.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_kept);
        }
    }
}
