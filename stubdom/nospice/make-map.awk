# SPDX-License-Identifier: LGPL-2.1-or-later
# The linker's version script for the functions in functions.def, oldest version first.
/^FUNCTION/ {
    gsub(/FUNCTION\(|,|\)/, "")
    split($2, part, /[_.]/)
    key = sprintf("%04d%04d%04d", part[3], part[4], part[5])
    version[key] = $2
    names[key] = names[key] " " $1 ";"
    if (!(key in seen)) { seen[key] = 1; keys[++n] = key }
}
END {
    for (i = 2; i <= n; i++)
        for (j = i; j > 1 && keys[j] < keys[j - 1]; j--) { t = keys[j]; keys[j] = keys[j - 1]; keys[j - 1] = t }
    for (i = 1; i <= n; i++)
        printf "%s {\n    global:%s%s\n}%s;\n", version[keys[i]], names[keys[i]], i == 1 ? "\n    local: *;" : "", \
               i == 1 ? "" : " " version[keys[i - 1]]
}
