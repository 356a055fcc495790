"""How the readers' edition runs elsewhere, imitated here."""
