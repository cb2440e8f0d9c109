#!/usr/bin/perl
# A function in Perl: a hash, a regular expression, a child.
use strict;
use warnings;
use JSON::PP;

my %seen;
open(my $answers, '>&=', 3) or die "descriptor 3: $!";
$answers->autoflush(1);
print $answers "{\"ok\":true}\n" if $ENV{OW_WAIT_FOR_ACK};
my $json = JSON::PP->new->canonical;
while (my $line = <STDIN>) {
    my $n = $json->decode($line)->{value}{n};
    $seen{$_}++ for ('gear', 'wheel', 'gear')[0 .. $n % 3];
    chomp(my $output = `echo $n | sed s/^/order-/`);
    print $answers $json->encode({ seen => \%seen, output => $output }), "\n";
}
