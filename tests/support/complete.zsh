# Prints what zsh's own completion offers for a command line, one match a line.
#
#   zsh -f complete.zsh FOLDER LINE      FOLDER goes into fpath
#
# An interactive zsh runs behind a pseudo-terminal, with `compadd` replaced by one that writes down the matches. The markers are
# written in two halves there, so that the terminal's echo of a command is not taken for its output.
zmodload zsh/zpty || exit 1
local folder=$1 line=$2 dump=$TMPDIR/zcompdump out part
zpty inner zsh -f -i
zpty -w inner "PS1= PS2= ; stty -echo; fpath=(${(q)folder} \$fpath); TMPDIR=${(q)TMPDIR}"
zpty -w inner "autoload -Uz compinit; compinit -u -d ${(q)dump}; zmodload zsh/zutil"
zpty -w inner 'compadd () {
  if (( ${@[(I)-[OAD]*]} && ${@[(I)-[OAD]*]} < ${@[(i)--]} )); then builtin compadd "$@"; return; fi
  local -a found
  builtin compadd -A found "$@"
  print -rl -- "ma""tch:"$^found
  builtin compadd "$@"
}'
zpty -w inner 'begin () { print "off""ered:" }; finish () { print "e""nd:"; exit }'
zpty -w inner 'compprefuncs=(begin) comppostfuncs=(finish)'
zpty -w inner 'bindkey "^I" complete-word; setopt no_list_beep; zstyle ":completion:*" list-grouped false; print rea""dy:'
while zpty -r inner part && [[ $part != *ready:* ]]; do :; done
zpty -n -w inner "$line"$'\t'
while zpty -r inner part; do
  out+=$part
  [[ $part == *end:* ]] && break
done
zpty -d inner
out=${out##*offered:}
print -rl -- ${${(M)${(f)${out//$'\r'/}}:#match:*}#match:}
