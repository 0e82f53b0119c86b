"""AWS Signature Version 4, held to the signatures that AWS publishes with its examples and its test suite."""

from datetime import UTC, datetime

import pytest
from yanmen.crypto.sigv4 import EMPTY_SHA256, AccessKeys, Asked, Scope, authorization, encoded

DOCS = AccessKeys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
"""Amazon S3 API Reference, "Signature calculations for the authorization header", 24 May 2013."""
SUITE = AccessKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
"""aws-sig-v4-test-suite, 30 August 2015."""


def at(*moment: int) -> int:
    return int(datetime(*moment, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]


S3 = Scope("us-east-1", "s3", at(2013, 5, 24))
SERVICE = Scope("us-east-1", "service", at(2015, 8, 30, 12, 36))
BUCKET = {"host": "examplebucket.s3.amazonaws.com", "x-amz-content-sha256": EMPTY_SHA256, "x-amz-date": S3.moment}
HOST = {"host": "example.amazonaws.com", "x-amz-date": SERVICE.moment}


@pytest.mark.parametrize(
    ("keys", "scope", "asked", "signature"),
    [
        (
            DOCS,
            S3,
            Asked("GET", "/test.txt", {}, {**BUCKET, "range": "bytes=0-9"}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            DOCS,
            S3,
            Asked("GET", "/", {"lifecycle": ""}, BUCKET),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        ),
        (
            DOCS,
            S3,
            Asked("GET", "/", {"prefix": "J", "max-keys": "2"}, BUCKET),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
        (
            SUITE,
            SERVICE,
            Asked("GET", "/", {}, HOST),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        (
            SUITE,
            SERVICE,
            Asked("GET", encoded("/ሴ", kept="/"), {}, HOST),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
        ),
        (
            SUITE,
            SERVICE,
            Asked("GET", "/", {"Param2": "value2", "Param1": "value1"}, HOST),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_the_published_signatures(keys: AccessKeys, scope: Scope, asked: Asked, signature: str) -> None:
    made = authorization(asked, keys, scope)
    assert made.endswith(f"Signature={signature}")
    assert made.startswith(f"AWS4-HMAC-SHA256 Credential={keys.id}/{scope.text},SignedHeaders=")
    assert keys.secret not in made


def test_what_is_not_unreserved_is_encoded() -> None:
    assert encoded("a b/ü~-._é+", kept="/") == "a%20b/%C3%BC~-._%C3%A9%2B"
    assert encoded("a/b") == "a%2Fb"
