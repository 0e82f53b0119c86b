"""The SDK: ask a node, check its receipts, never show what does not hold."""
