using System.Buffers;
using System.IO.Pipelines;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Connect;

/// <summary>
/// The input of Kestrel's HTTP/1 layer with the <c>Host</c> of CONNECT requests set right (<see cref="ConnectHead"/>). It looks at bytes
/// only at a proven request boundary: at the start of the connection, and where the pipeline has said so through
/// <see cref="IRequestBoundaryFeature"/>. Everywhere else, and as soon as the bytes cannot be a CONNECT, reads go straight to the inner
/// reader. The transport hears from it whether a tunnel is asked for.
/// </summary>
internal sealed class ConnectHeadPipeReader(PipeReader inner, IConnectionTakeover? takeover = null) : PipeReader, IRequestBoundaryFeature
{
    private Mode _mode = Mode.AtBoundary;
    private ConnectHeadScanner _scanner;

    // Until the pipeline has fetched it: the target of the head that is or was served, where it is not in there.
    private string? _hiddenTarget;

    // InBody: what of it is still to be consumed, and, between a read and its AdvanceTo, what was read.
    private long _bodyLeft;
    private ReadOnlySequence<byte> _body;

    // AtBoundary: whether the reader above has been shown that a request begins, and, between a read and its AdvanceTo, what it was shown.
    private bool _announced;
    private ReadOnlySequence<byte>? _announcement;
    private SequencePosition _announcementExamined;

    // Serving: what is left of the rewritten head.
    private ReadOnlySequence<byte> _rewritten;
    private bool _rewrittenNotTaken;

    private enum Mode
    {
        /// <summary>The next byte of the inner reader is the first of a request.</summary>
        AtBoundary = 0,

        /// <summary>A rewritten head is read; the inner reader stands behind the original one.</summary>
        Serving,

        /// <summary>A body of known length is read; behind its last byte is a boundary. Nothing is looked at, consumed bytes are counted.</summary>
        InBody,

        /// <summary>Nothing is looked at.</summary>
        Passing,
    }

    public string? HeadConsumed(long? bodyLength)
    {
        // An untouched remainder of a rewritten head would mean that Kestrel has not read the head that the pipeline speaks of.
        if (_mode == Mode.Serving)
        {
            return null;
        }

        _bodyLeft = bodyLength ?? 0;
        _mode = bodyLength switch
        {
            null => Mode.Passing,
            0 => Mode.AtBoundary,
            _ => Mode.InBody,
        };
        _scanner = default;
        _announced = false;
        var hidden = _hiddenTarget;
        _hiddenTarget = null;
        return hidden;
    }

    public void BodyConsumed()
    {
        if (_mode == Mode.Passing)
        {
            _mode = Mode.AtBoundary;
        }
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => _mode switch
    {
        Mode.Passing => inner.ReadAsync(cancellationToken),
        Mode.Serving => new ValueTask<ReadResult>(Serve(isCanceled: false)),
        Mode.InBody => ReadBodyAsync(cancellationToken),
        _ => ReadAtBoundaryAsync(cancellationToken),
    };

    public override bool TryRead(out ReadResult result)
    {
        switch (_mode)
        {
            case Mode.Passing:
                return inner.TryRead(out result);
            case Mode.Serving:
                result = Serve(isCanceled: false);
                return true;
            case Mode.InBody:
                var hasRead = inner.TryRead(out result);
                _body = hasRead ? result.Buffer : default;
                return hasRead;
            default:
                while (inner.TryRead(out var read))
                {
                    if (TryJudge(read, out result))
                    {
                        return true;
                    }

                    inner.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                }

                result = default;
                return false;
        }
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_announcement is { } announcement)
        {
            _announcement = null;
            if (announcement.GetOffset(consumed) != announcement.GetOffset(announcement.Start))
            {
                _mode = Mode.Passing; // whoever consumes part of a head has a parser of another kind
            }

            // The bytes behind the announcement have been seen here: to wait for more is to have examined all of them.
            inner.AdvanceTo(consumed, _announcementExamined);
        }
        else if (_mode == Mode.Serving)
        {
            AdvanceRewritten(consumed, examined);
        }
        else if (_mode == Mode.InBody)
        {
            CountBody(consumed);
            inner.AdvanceTo(consumed, examined);
        }
        else
        {
            inner.AdvanceTo(consumed, examined);
        }
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    private async ValueTask<ReadResult> ReadAtBoundaryAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await inner.ReadAsync(cancellationToken);
            if (TryJudge(read, out var result))
            {
                return result;
            }

            inner.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private async ValueTask<ReadResult> ReadBodyAsync(CancellationToken cancellationToken)
    {
        var read = await inner.ReadAsync(cancellationToken);
        _body = read.Buffer;
        return read;
    }

    private void CountBody(SequencePosition consumed)
    {
        _bodyLeft -= _body.Slice(0, consumed).Length;
        _body = default;
        if (_bodyLeft <= 0)
        {
            _mode = _bodyLeft == 0 ? Mode.AtBoundary : Mode.Passing; // more than the body: whoever read it has another opinion of its length
        }
    }

    /// <summary>Decides what the reader above gets of a read at a boundary; false where it has to wait for more.</summary>
    private bool TryJudge(in ReadResult read, out ReadResult result)
    {
        var scan = _scanner.Scan(read.Buffer, out var headLength);
        if (scan != ConnectHeadScan.Incomplete)
        {
            takeover?.ExpectTunnel(scan == ConnectHeadScan.Complete);
        }

        switch (scan)
        {
            case ConnectHeadScan.Complete when ConnectHead.Rewrite(Contiguous(read.Buffer.Slice(0, headLength)), out _hiddenTarget) is { } rewritten:
                // The original head is consumed at once, so that the inner reader is where a takeover of the connection has to begin.
                inner.AdvanceTo(read.Buffer.GetPosition(headLength));
                _rewritten = new ReadOnlySequence<byte>(rewritten);
                _mode = Mode.Serving;
                result = Serve(read.IsCanceled);
                return true;

            case ConnectHeadScan.Incomplete when !read.IsCompleted:
                return TryAnnounce(read, out result);

            default:
                _mode = Mode.Passing;
                result = read;
                return true;
        }
    }

    /// <summary>
    /// Shows the first bytes of a head that is still to come, once: they start Kestrel's timeout for request heads, which would otherwise
    /// take the connection for an idle one. Less than a request line, they cannot be consumed. A cancelled read shows them again.
    /// </summary>
    private bool TryAnnounce(in ReadResult read, out ReadResult result)
    {
        if (!read.IsCanceled && (_announced || read.Buffer.IsEmpty))
        {
            result = default;
            return false;
        }

        var length = Math.Min(read.Buffer.Length, ConnectHeadScanner.Method.Length);
        var shown = read.Buffer.Slice(0, length);
        _announced = length > 0;
        _announcement = shown;
        _announcementExamined = read.Buffer.End;
        result = new ReadResult(shown, read.IsCanceled, isCompleted: false);
        return true;
    }

    private ReadResult Serve(bool isCanceled)
    {
        // Kestrel takes a whole head in one go. Should it ask for more of a head that is complete, there is no more: it answers 400 and
        // closes, which is right for a head that two parsers see differently.
        return new ReadResult(_rewritten, isCanceled, isCompleted: _rewrittenNotTaken);
    }

    private void AdvanceRewritten(SequencePosition consumed, SequencePosition examined)
    {
        _rewrittenNotTaken = _rewritten.Slice(examined).IsEmpty;
        _rewritten = _rewritten.Slice(consumed);
        if (_rewritten.IsEmpty)
        {
            _rewritten = default;
            _rewrittenNotTaken = false;
            _mode = Mode.Passing;
        }
    }

    private static ReadOnlySpan<byte> Contiguous(in ReadOnlySequence<byte> head) => head.IsSingleSegment ? head.FirstSpan : head.ToArray();
}
