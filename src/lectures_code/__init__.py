"""Adversarial training for linear models: the package beneath the chapters of the lecture.

A module, or a folder of modules, is a room. The table says for which chapter, and a room imports
only from those above it. Nothing is imported here: a chapter pays for what it uses.

    checks         all                 arguments: what was required, what came, what to do
    progress       all                 a progress bar, in interactive sessions only
    mnist          MNIST               images of digits: found, downloaded, verified, loaded
    perturbations  The min-max problem the sets that an adversary chooses from
    logistic       Linear models       loss, margin, linear classifier
    features       beyond              monotone features of pixels, classifiers linear in them
    attacks        The min-max problem the inner maximum, exact or by gradient ascent
    risk           Linear models       risk, error, certified radii; the closed form
    masking        Not linear          whether an attack finds what there is to find
    multiclass     Ten classes         what of the closed form holds for several classes
    exact          The exact optimum   solver, certificate, threshold of separability
    training       The min-max problem the outer minimum: one epoch, and many of them
    proximal       The kink, the noise step 2 that keeps the adversary's term exact
    together       MNIST               many linear classifiers trained at once
    danskin        Danskin's theorem   value functions and their derivatives
    networks       Networks            small networks: trained, attacked, bounded
    experiments    MNIST               the lecture's experiments, from seeds to results
    figures        all                 results in, axes out
    reporting      all                 tables, numbers for the prose, where the data come from
    explorers      all                 what a reader drags
    practice       all                 exercises, and checks that say what is wrong with an answer
"""

__version__ = "0.1.0"
