"""Numbers as the five papers print them, in percent: data, typed from the papers and nothing else.

A block is a table: name | paper | where it stands | kind; then `data set: measures` for each data
set; then the rows, values by data set. "-" is not printed. Rows of ablations are named as in the
recipes, so that both meet; methods of comparison tables as the paper names them.
"""

TEXT = """
= trsa-1 | TRSA | Table 1 | ablation
iLIDS-VID: rank-1 rank-5 rank-10 rank-20 mAP; PRID-2011: rank-1 rank-5 rank-10 rank-20 mAP
Baseline | 61.2 85.3 91.2 94.5 74.0 | 84.3 96.6 97.2 98.9 87.4
Baseline + L_v | 68.6 88.7 90.4 94.8 77.7 | 88.0 97.2 97.8 99.5 89.7
Baseline + L_v + SAM | 73.5 91.4 92.0 96.0 81.2 | 91.0 97.5 98.5 99.8 92.3
Baseline + L_v + SAM + Reg | 81.3 94.1 96.0 98.7 86.2 | 91.3 98.9 99.9 100.0 93.2
Baseline + L_f + SAM + Reg | 82.7 95.5 98.7 99.3 87.9 | 92.1 98.8 100.0 100.0 94.1

= trsa-2 | TRSA | Table 2 | comparison
iLIDS-VID: rank-1 rank-5 rank-10 rank-20
STA | 44.3 71.7 83.7 91.7
TDL | 56.3 87.6 95.6 98.3
RNN | 58 84 91 96
ASTPN | 62 86 94 98
QAN | 68.0 86.8 95.4 97.4
RQEN | 76.1 92.9 97.5 99.3
STAN | 80.2 - - -
TRSA * | 82.7 95.3 98.7 99.3

= rgsa-1 | RGSA+RGTR | Table 1 | ablation
MARS: rank-1 mAP; DukeMTMC-VideoReID: rank-1 mAP
Baseline + L_ce | 87.2 80.9 | 95.3 94.2
Baseline + L_total | 87.8 81.8 | 95.4 94.5
RGSA + L_total | 88.6 83.2 | 96.0 95.0
RGTR + L_total | 89.4 83.3 | 96.0 95.3
RGSA+RGTR + L_ce | 88.5 83.5 | 96.3 95.3
RGSA+RGTR (IP) + L_total | 88.4 82.5 | 96.6 95.5
RGSA+RGTR + L_total | 89.4 84.0 | 97.2 95.8

= rgsa-2 | RGSA+RGTR | Table 2 | ablation
MARS: rank-1 mAP; DukeMTMC-VideoReID: rank-1 mAP
r1 = 16, r2 = 128 | 89.6 84.0 | 96.7 95.5
r1 = 16, r2 = 256 | 89.3 84.1 | 96.6 95.6
r1 = 32, r2 = 128 | 89.4 84.0 | 96.2 95.1
r1 = 32, r2 = 256 | 89.4 84.0 | 97.2 95.8

= rgsa-3 | RGSA+RGTR | Table 3 | ablation
MARS: rank-1 mAP; DukeMTMC-VideoReID: rank-1 mAP
T = 2 | 88.5 82.5 | 95.9 94.9
T = 4 | 88.6 83.4 | 96.0 95.1
T = 6 | 89.0 83.5 | 96.2 95.1
T = 8 | 89.4 84.0 | 97.2 95.8

= rgsa-4 | RGSA+RGTR | Table 4 | comparison
MARS: rank-1 rank-5 rank-20 mAP
CNN+XQDA | 68.3 82.6 89.4 49.3
SeeForest | 70.6 90.0 97.6 50.7
RQEN | 73.7 84.9 91.6 51.7
DuATM | 78.7 90.9 95.8 62.3
ETAP | 80.8 92.1 96.1 67.4
DRSTA | 82.3 - - 65.8
Snippet | 86.3 94.7 98.2 76.1
RRU | 84.4 93.2 96.3 72.7
M3D | 84.4 93.8 97.7 74.1
STA | 86.3 95.7 98.1 80.8
VRSTC | 88.5 96.5 97.4 82.3
RGSA+RGTR * | 89.4 96.9 98.3 84.0

= rgsa-5 | RGSA+RGTR | Table 5 | comparison
iLIDS-VID: rank-1 rank-5 rank-20; PRID-2011: rank-1 rank-5 rank-20
TDL | 56.3 87.6 98.3 | 56.7 80.0 93.6
RNN | 58.0 84.0 96.0 | 70.0 90.0 97.0
CNN+XQDA | 53.0 81.4 95.1 | 77.3 93.5 99.3
SeeForest | 55.2 86.5 97.0 | 79.4 94.4 99.3
QAN | 68.0 86.8 97.4 | 90.3 98.2 100.0
TSSCNN | 60.0 86.0 97.0 | 78.0 94.0 99.0
ASTPN | 62.0 86.0 98.0 | 77.0 95.0 99.0
SPW | 69.3 89.6 98.2 | 83.5 96.3 100.0
RQEN | 76.1 92.9 99.3 | 92.4 98.8 100.0
TCN | 60.6 83.8 95.8 | 81.1 95.0 98.7
MGRU | 60.8 89.2 99.5 | 78.4 94.8 99.4
DRSTA | 80.2 - - | 93.2 - -
Snippet | 85.4 96.7 99.5 | 93.0 99.3 100.0
M3D | 74.0 94.3 - | 94.4 100.0 -
RRU | 84.3 96.8 99.5 | 92.7 98.8 99.8
VRSTC | 83.4 95.5 99.5 | - - -
RGSA+RGTR * | 86.0 98.0 99.4 | 93.7 99.0 100.0

= rgsa-6 | RGSA+RGTR | Table 6 | comparison
DukeMTMC-VideoReID: rank-1 rank-5 rank-20 mAP
ETAP | 83.6 94.6 97.6 78.3
VRSTC | 95.0 99.1 99.4 93.5
STA | 96.2 99.3 99.6 94.9
RGSA+RGTR * | 97.2 99.4 99.9 95.8

= fgra-1 | FGRA | Table 1 | comparison
iLIDS-VID: rank-1 rank-5 rank-10 rank-20; PRID-2011: rank-1 rank-5 rank-10 rank-20; MARS: rank-1 rank-5 rank-20 mAP
STFV3D | 44.3 71.7 83.7 91.7 | 64.7 87.3 89.9 92.0 | - - - -
TDL | 56.3 87.6 95.6 98.3 | 56.7 80.0 87.6 93.6 | - - - -
RNN | 58.0 84.0 91.0 96.0 | 70.0 90.0 95.0 97.0 | - - - -
CNN+XQDA | 53.0 81.4 - 95.1 | 77.3 93.5 - 99.3 | 65.3 82.0 89.0 47.6
SeeForest | 55.2 86.5 - 97.0 | 79.4 94.4 - 99.3 | 70.6 90.0 97.6 50.7
ASTPN | 62.0 86.0 94.0 98.0 | 77.0 95.0 99.0 99.0 | 44.0 70.0 81.0 -
QAN | 68.0 86.8 95.4 97.4 | 90.3 98.2 99.3 100.0 | 73.7 84.9 91.6 51.7
RQEN | 77.1 93.2 97.7 99.4 | 91.8 98.4 99.3 99.8 | 77.8 88.8 94.3 71.7
STAN | 80.2 - - - | 93.2 - - - | 82.3 - - 65.8
M3D | 74.0 94.33 - - | 94.4 100.0 - - | 84.4 93.8 97.7 74.0
CSACSE | 79.8 91.8 - - | 88.6 99.1 - - | 81.2 92.1 - 69.4
SCAN | 81.3 93.3 96.0 98.0 | 92.0 98.0 100.0 100.0 | 86.6 94.8 97.1 76.7
STA | - - - - | - - - - | 86.3 95.7 98.1 80.8
RRU | 84.3 96.8 - 99.5 | 92.7 98.8 - 98.8 | 84.4 93.2 96.3 72.7
CSACSE+OF | 85.4 96.7 98.8 99.5 | 93.0 99.3 100.0 100.0 | 86.3 94.7 98.2 76.1
SCAN+OF | 88.0 96.7 98.0 100.0 | 95.3 99.0 100.0 100.0 | 87.2 95.2 98.1 77.2
FGRA * | 88.0 96.7 98.0 99.3 | 95.5 100.0 100.0 100.0 | 87.3 96.0 98.1 81.2

= fgra-2 | FGRA | Table 2 | ablation
iLIDS-VID: rank-1 rank-5 mAP; PRID-2011: rank-1 rank-5 mAP; MARS: rank-1 rank-5 mAP
1. AVG | 76.8 91.3 81.4 | 86.1 96.2 87.0 | 76.6 88.0 72.0
2. GB | 55.1 80.8 60.0 | 73.4 89.0 75.7 | 58.0 79.7 46.3
3. GB+AVG | 80.3 93.3 84.3 | 88.8 96.8 90.8 | 81.7 93.8 74.7
4. GB+RAM+AVG | 83.3 96.0 88.5 | 92.3 98.4 92.4 | 84.6 94.6 79.0
5. GB+RAM+TA | 85.3 97.3 90.2 | 94.0 99.3 94.6 | 86.3 95.2 80.2
6. GB+RAM+TAS | 86.0 96.7 90.8 | 93.4 99.0 94.5 | 86.0 94.8 79.9
7. GB+RAM+TAS+CR | 87.3 96.7 91.4 | 95.3 100.0 95.7 | 86.7 95.1 80.9
8. GB+RAM+TAS+CR+SA | 88.0 96.7 91.9 | 95.5 100.0 97.3 | 87.3 96.0 81.2

= fgra-fig4 | FGRA | Figure 4 | ablation
iLIDS-VID: rank-1 mAP; PRID-2011: rank-1 mAP

= tacan-1 | TACAN | Table 1 | ablation
MARS: mAP rank-1 rank-5 rank-20
baseline (ResNet50 + L_s) | 61.4 72.6 87.2 93.2
ResNet50 + L_s + L_t | 76.2 82.6 93.9 96.8
ResNet50 + TA + L_s + L_t | 76.8 83.9 93.9 97.2
ResNet50 + TA + CA + L_s + L_t | 81.6 86.3 95.4 98.1
ResNet50 + TA + CA + L | 83.0 88.2 96.0 98.3
SENet50 + TA + CA + L | 84.0 89.1 96.1 98.0

= tacan-2 | TACAN | Table 2 | comparison
MARS: mAP rank-1 rank-5 rank-20
ASTPN | - 44 70 81
JSTRN | 50.7 70.6 90.0 97.6
STAN | 65.8 82.3 - -
RQEN | 71.1 77.8 88.8 94.3
STIM | 72.7 84.4 93.2 96.3
SCAN | 76.7 86.6 94.8 97.1
TA | 76.7 83.3 93.8 97.4
ResNet3D NL | 77.0 84.3 94.6 -
STAL | 73.5 82.2 92.8 98.0
VRSTC | 82.3 88.5 96.5 -
TACAN (ResNet) | 83.0 88.2 96.0 98.3
TACAN * | 84.0 89.1 96.1 98.0

= tacan-4 | TACAN | Table 4 | comparison
iLIDS-VID: mAP rank-1; PRID-2011: mAP rank-1
ASTPN | - 62 | - 77
JSTRN | - 55.2 | - 79.4
STAN | - 80.2 | - 93.2
RQEN | - 80.0 | - 93.4
STIM | - 84.3 | - 92.7
SCAN | 89.9 88.0 | 95.8 95.3
ResNet3D NL | - 81.3 | - 91.2
STAL | - 82.8 | - 92.7
VRSTC | - 83.4 | - -
TACAN * | 93.0 88.9 | 96.7 95.3

= tacan-5 | TACAN | Table 5 | comparison
DukeMTMC-VideoReID: mAP rank-1 rank-5 rank-10
EUG | 78.3 83.6 94.6 97.6
VRSTC | 93.5 95.0 99.1 99.4
TACAN * | 95.4 96.2 99.4 99.6

= sinet-1 | SINet | Table 1 | comparison
MARS: mAP rank-1; LS-VID: mAP rank-1; iLIDS-VID: rank-1; PRID-2011: rank-1
SeeForest | 50.7 70.6 | - - | 55.2 | 79.4
Snippet | 76.1 86.3 | - - | 85.4 | 93.0
STA | 80.8 86.3 | - - | - | -
M3D | 74.1 84.4 | 40.1 57.7 | 74.0 | 94.4
AP3D | 85.1 90.1 | 73.2 84.5 | 88.7 | -
STRF | 86.1 90.3 | - - | 89.3 | -
GLTR | 78.5 87.0 | 44.3 63.1 | 86.0 | 95.5
STGCN | 83.7 90.0 | - - | - | -
MGH | 85.8 90.0 | - - | 85.6 | 94.8
MG-RAFA | 85.9 88.8 | - - | 88.6 | 95.9
GRL | 84.8 91.0 | - - | 90.4 | 96.2
DenseIL | 87.0 90.8 | - - | 92.0 | -
VRSTC | 82.3 88.5 | - - | 83.4 | -
AFA | 82.9 90.2 | - - | 88.5 | -
TCLNet | 85.1 89.8 | 70.3 81.5 | 86.6 | -
BiCnet-TKS | 86.0 90.2 | 75.1 84.6 | - | -
STMN | 84.5 90.5 | 69.2 82.1 | 91.5 | -
SINet * | 86.2 91.0 | 79.6 87.4 | 92.5 | 96.5

= sinet-2 | SINet | Table 2 | ablation
MARS: mAP rank-1; LS-VID: mAP rank-1
base. | 83.2 88.6 | 73.3 82.8
+SBM | 85.7 90.2 | 77.1 85.1
+IDM | 85.9 90.5 | 78.0 86.2
SINet | 86.2 91.0 | 79.6 87.4

= sinet-2-rerun | SINet | the authors' page beside their program, re-run of Table 2 | comparison
MARS: mAP rank-1; LS-VID: mAP rank-1
+SBM | 85.6 90.7 | 77.2 85.3
+IDM | 85.9 90.4 | 78.2 86.0
SINet * | 86.3 90.9 | 79.9 87.2

= sinet-3 | SINet | Table 3 | ablation
MARS: mAP rank-1
base. | 83.2 88.6
base. + Non-local | 85.1 89.7
base. + Non-local (1) | 85.1 90.0
base. + Non-local (inverse) | 85.0 89.7
base. + GC block | 85.0 89.8
base. + SBM w/o CAL | 85.1 89.9
base. + SBM w/o CPM | 85.4 90.0
base. + SBM (Same Pos.) | 85.3 89.5
base. + SBM | 85.7 90.2
base. + 1 IDM | 85.7 89.8
base. + 2 IDM (Default) | 85.8 90.5
base. + 3 IDM | 85.8 90.5
SINet (base. + SBM + IDM) | 86.2 91.0

= sinet-fig5 | SINet | Figure 5 | ablation
MARS: mAP rank-1
"""  # noqa: E501

# TACAN, Table 3: the largest distance within an identity; no percentages, and no score of a run.
DIAMETERS = {
    "without min-max loss": (0.9204, 0.7038, 0.8364, 0.8448, 0.8931),
    "with min-max loss": (0.8882, 0.5321, 0.6553, 0.6056, 0.6629),
}

# One method under several names: what the papers call it -> the name to compare it under.
SAME = {
    "STA (TRSA)": "STFV3D",  # TRSA's STA is the 2015 representation, not the network of 2019
    "JSTRN": "SeeForest",
    "DRSTA": "STAN",
    "STIM": "RRU",
    "Snippet": "CSACSE+OF",  # with optical flow in all tables that do not say which
    "EUG": "ETAP",
}
