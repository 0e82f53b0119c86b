"""The auditor's verifier: files in, report out; no network, no node, no clock and no trust in either."""

from yanmen.verify.beside import Beside
from yanmen.verify.procedure import verify_bundle
from yanmen.verify.receipt import verify_consistency, verify_receipt
from yanmen.verify.report import Code, Finding, Report, Severity

__all__ = ["Beside", "Code", "Finding", "Report", "Severity", "verify_bundle", "verify_consistency", "verify_receipt"]
