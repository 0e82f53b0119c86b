"""The auditor's verifier: files in, report out; no network, no node, no clock and no trust in either."""

from yanmen.verify.beside import Beside
from yanmen.verify.bill_finding import BillCode, BillFinding
from yanmen.verify.billing import BillReport, audit_bill
from yanmen.verify.procedure import verify_bundle
from yanmen.verify.receipt import verify_consistency, verify_receipt, verify_receipt_of
from yanmen.verify.report import Code, Finding, Report, Severity
from yanmen.verify.revenue import RevenueReport, audit_revenue

__all__ = [
    "Beside",
    "BillCode",
    "BillFinding",
    "BillReport",
    "Code",
    "Finding",
    "Report",
    "RevenueReport",
    "Severity",
    "audit_bill",
    "audit_revenue",
    "verify_bundle",
    "verify_consistency",
    "verify_receipt",
    "verify_receipt_of",
]
