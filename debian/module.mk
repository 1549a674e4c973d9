# SPDX-License-Identifier: LGPL-2.1-or-later
# Debian packages, and whether they are fit for an administrator's host.

DEB_RELEASES ?= bookworm trixie

.PHONY: deb deb-clean check-deb
deb:
	@scripts/make-deb

# Minutes: twice for each release, from nothing.
deb-clean:
	@scripts/make-deb --clean $(DEB_RELEASES)

# lintian, dpkg and autopkgtest, of each release in a root of it.
check-deb:
	@scripts/check-deb $(DEB_RELEASES)
