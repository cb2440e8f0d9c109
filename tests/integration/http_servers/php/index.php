<?php
// Counts its requests, each of which PHP begins anew.
static $seen = 0;
echo ++$seen;
