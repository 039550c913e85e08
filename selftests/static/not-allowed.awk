# SPDX-License-Identifier: GPL-2.0-only
#
# awk -f not-allowed.awk ALLOWED FINDINGS: prints those of checkpatch's findings
# whose file and type are not in ALLOWED, and what ALLOWED has too much. Exit
# status 1 if there is any.

FNR == NR {
	if (/^[^#]/)
		allowed[$1 " " $2] = 1
	next
}

# FILE:LINE: LEVEL:TYPE: TEXT
{
	split($0, part, ":")
	key = part[1] " " part[4]
	if (!(key in allowed)) {
		print
		found = 1
	}
	seen[key] = 1
}

END {
	for (key in allowed)
		if (!(key in seen)) {
			print "allowed, but not found: " key
			found = 1
		}
	exit found
}
