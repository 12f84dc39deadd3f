using System.Buffers;
using System.Globalization;
using PyProxy.Gateway.Filtering.Lists.Formats;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// Reads a list from a stream, line by line and within its bounds: bytes, entries, and the length of a line. What most of its lines are no lines
/// of the format is no list of the format (an error page, a file of something else), and is given up as soon as that shows.
/// </summary>
internal sealed class ListReader
{
    /// <summary>So many lines that were left out are told by their numbers; the rest is counted.</summary>
    public const int MaxReported = 20;

    private const int BufferSize = 64 * 1024; // also the longest line: cosmetic rules of AdBlock lists have some thousand characters
    private const int LinesBeforeGivingUp = 10_000;

    private readonly ListOptions _options;
    private readonly ListBuilder _builder;
    private readonly IListFormat _format;
    private readonly List<LeftOutLine> _leftOut = [];
    private long _lines;
    private long _said;
    private long _unsupported;
    private long _invalid;

    private ListReader(ListOptions options)
    {
        _options = options;
        _builder = new ListBuilder(options);
        _format = IListFormat.Create(options);
    }

    /// <exception cref="ListException">The list is beyond its bounds, or none of its format.</exception>
    public static Task<LoadedList> ReadAsync(Stream stream, ListOptions options, CancellationToken cancellationToken)
        => new ListReader(options).ReadAsync(stream, cancellationToken);

    private async Task<LoadedList> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            var filled = 0;
            var skipping = false; // inside a line that is longer than the buffer
            long total = 0;
            while (true)
            {
                var read = await stream.ReadAsync(buffer.AsMemory(filled, BufferSize - filled), cancellationToken);
                if ((total += read) > _options.MaxBytes)
                {
                    throw new ListException(string.Create(CultureInfo.InvariantCulture, $"it has more than {_options.MaxBytes} bytes (MaxBytes)"));
                }

                filled += read;
                if (read == 0)
                {
                    if (filled > 0 && !skipping)
                    {
                        Line(buffer.AsSpan(0, filled));
                    }

                    return Finish();
                }

                var rest = Lines(buffer.AsSpan(0, filled), ref skipping);
                if (rest == BufferSize)
                {
                    skipping = Overlong(skipping);
                    rest = 0;
                }

                buffer.AsSpan(filled - rest, rest).CopyTo(buffer);
                filled = rest;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <returns>How many bytes at the end belong to a line that has not ended yet.</returns>
    private int Lines(ReadOnlySpan<byte> text, ref bool skipping)
    {
        for (var end = text.IndexOf((byte)'\n'); end >= 0; end = text.IndexOf((byte)'\n'))
        {
            if (skipping)
            {
                skipping = false;
            }
            else
            {
                Line(text[..end]);
            }

            text = text[(end + 1)..];
        }

        return text.Length;
    }

    private bool Overlong(bool skipping)
    {
        if (!skipping)
        {
            _lines++;
            _said++;
            LeaveOut(unsupported: false);
        }

        return true;
    }

    private void Line(ReadOnlySpan<byte> line)
    {
        if (_lines++ == 0 && line.StartsWith("\uFEFF"u8))
        {
            line = line["\uFEFF"u8.Length..];
        }

        var meaning = line.EndsWith("\r"u8) ? _format.Read(line[..^1], _builder) : _format.Read(line, _builder);
        if (meaning == LineMeaning.Nothing)
        {
            return;
        }

        _said++;
        if (meaning != LineMeaning.Entry)
        {
            LeaveOut(meaning == LineMeaning.Unsupported);
        }
    }

    private void LeaveOut(bool unsupported)
    {
        if (_leftOut.Count < MaxReported)
        {
            _leftOut.Add(new LeftOutLine(_lines, unsupported));
        }

        if (unsupported)
        {
            _unsupported++;
            return;
        }

        _invalid++;
        if (_invalid % LinesBeforeGivingUp == 0)
        {
            CheckFormat();
        }
    }

    private void CheckFormat()
    {
        if (_invalid * 2 > _said)
        {
            throw new ListException(string.Create(
                CultureInfo.InvariantCulture,
                $"most of its lines are no lines of the format {_options.Format}: {_invalid} of the first {_lines}, the first one in line {FirstInvalid()}"));
        }
    }

    private long FirstInvalid()
    {
        foreach (var line in _leftOut)
        {
            if (!line.IsUnsupported)
            {
                return line.Number;
            }
        }

        return _lines;
    }

    private LoadedList Finish()
    {
        CheckFormat();
        var content = _builder.Build(new ListSummary(_lines, Entries: 0, _unsupported, _invalid, _leftOut));
        if (content.Summary.Entries < _options.MinEntries)
        {
            throw new ListException(string.Create(
                CultureInfo.InvariantCulture, $"it has {content.Summary.Entries} entries, fewer than {_options.MinEntries} (MinEntries)"));
        }

        return content;
    }
}
