"""The SDKs live here and their errors stop here."""
