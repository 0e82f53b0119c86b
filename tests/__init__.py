"""Tests of Yanmen; a package of its own, because some dependencies install one of the same name."""
