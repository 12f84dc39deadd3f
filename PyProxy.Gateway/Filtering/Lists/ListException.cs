namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>A list could not be had, or is not to be believed. The message is for the operator and quotes nothing of the list.</summary>
internal sealed class ListException(string message, Exception? inner = null) : Exception(message, inner);
