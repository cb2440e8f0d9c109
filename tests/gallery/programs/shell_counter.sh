#!/bin/bash
# A function in the shell: variables, files and programs.
orders=()
folder=$(mktemp -d)
[ -n "$OW_WAIT_FOR_ACK" ] && echo '{"ok":true}' >&3
while read -r line; do
    [[ $line =~ \"n\":\ *([0-9]+) ]] && n=${BASH_REMATCH[1]}
    orders+=("$n")
    echo "$n" >>"$folder/orders"
    sum=$(awk '{ sum += $1 } END { print sum }' "$folder/orders")
    printf '{"orders":%d,"sum":%d,"upper":"%s"}\n' "${#orders[@]}" "$sum" "$(seq -s, "$n" | tr 0-9 A-J)" >&3
done
