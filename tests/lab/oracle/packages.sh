#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs in the guest: what load.sql loads, the guest's packages and files of theirs, into here.
awk -v OFS='\t' '
	/^Package:/ { name = $2 } /^Version:/ { version = $2 } /^Section:/ { section = $2 }
	/^Installed-Size:/ { size = $2 } /^$/ { print name, version, section, size }
	' /var/lib/dpkg/status >packages
awk -v OFS='\t' '{ print FILENAME, $0 }' /var/lib/dpkg/info/*.list |
	sed 's|^.*/\([^/]*\).list\t|\1\t|' | head -n 2500 >files
