import { memorySubject, transportConformance } from '../src/index.js';

transportConformance(memorySubject);
