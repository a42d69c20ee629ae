"""KineMask says that there are no weights of it, and breaks nothing."""

import pytest

from kinebench.errors import Unavailable
from kinebench.methods.check import check
from kinebench.methods.method import find
from kinebench.methods.readiness import missing


def test_it_says_that_its_weights_are_not_published(loaded):
    method = find("kinemask")
    assert "published weights" in missing(method)
    with pytest.raises(Unavailable, match="kinemask: no weights of KineMask have been published yet"):
        loaded("kinemask")


def test_the_check_says_so_and_does_not_fail():
    findings = list(check("kinemask", {}))
    assert not [each for each in findings if each.state == "failed"]
    assert any("have been published yet" in each.said for each in findings)
