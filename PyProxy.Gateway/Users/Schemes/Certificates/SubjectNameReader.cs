using System.Formats.Asn1;
using System.Net;

namespace PyProxy.Gateway.Users.Schemes.Certificates;

/// <summary>Reads <c>GeneralNames</c> (RFC 5280 §4.2.1.6): .NET's own reader knows hosts and addresses only, and services are named by URI.</summary>
internal static class SubjectNameReader
{
    private static readonly Asn1Tag EmailTag = new(TagClass.ContextSpecific, 1);
    private static readonly Asn1Tag DnsTag = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag AddressTag = new(TagClass.ContextSpecific, 7);

    public static void Read(byte[] extension, List<SubjectName> names)
    {
        try
        {
            var sequence = new AsnReader(extension, AsnEncodingRules.DER).ReadSequence();
            while (sequence.HasData)
            {
                var tag = sequence.PeekTag();
                if (tag == EmailTag)
                {
                    names.Add(SubjectName.Of(SubjectNameKind.Email, sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                }
                else if (tag == DnsTag)
                {
                    names.Add(SubjectName.Of(SubjectNameKind.Dns, sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                }
                else if (tag == UriTag)
                {
                    names.Add(SubjectName.Of(SubjectNameKind.Uri, sequence.ReadCharacterString(UniversalTagNumber.IA5String, tag)));
                }
                else if (tag == AddressTag && sequence.ReadOctetString(tag) is { Length: 4 or 16 } address)
                {
                    names.Add(SubjectName.Of(SubjectNameKind.Ip, new IPAddress(address).ToString()));
                }
                else
                {
                    sequence.ReadEncodedValue();
                }
            }
        }
        catch (AsnContentException)
        {
            names.Clear(); // an authority that one trusts has signed it; what cannot be read whole names nobody
        }
    }
}
